"""Small modules that belong to no subject: arguments, boxes, files, notices, OpenCV, resizing."""
