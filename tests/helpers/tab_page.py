"""What is done on the page of the Saliency tab, and what is read from it."""

import time

import numpy as np
from helpers.browser import drawn, wait_until


def fragment(**state):
    """What the address says after #saliency of a state of the page."""
    return "".join(f"&p.saliency.{name}={value}" for name, value in state.items())


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def click(browser, selector, text=""):
    [first, *_] = [e for e in find(browser, selector) if text in e.text]
    browser.execute_script("arguments[0].click()", first)


def pick(browser, label, value):
    browser.execute_script(
        "const list = document.querySelector(`select[aria-label='${arguments[0]}']`);"
        "list.value = arguments[1]; list.dispatchEvent(new Event('change'))",
        label,
        value,
    )


def press(browser, *keys):
    browser.switch_to.active_element.send_keys(*keys)


def wait_drawn(browser, run, step):
    wait_until(lambda: drawn(browser) == f"{run} {step}", 20, f"epoch {step} of {run}")


def settle(browser):
    """Two frames, after which what was asked for is drawn."""
    browser.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() =>"
        " setTimeout(done, 150)))"
    )


def wait_still(browser, seconds=30):
    """Waits until nothing has changed for half a second: neither the page nor its pictures."""
    end, last, since = time.monotonic() + seconds, None, time.monotonic()
    while time.monotonic() < end:
        shown = browser.execute_script(
            "const seen = [...document.querySelectorAll('canvas')].filter((c) => {"
            " const b = c.getBoundingClientRect();"
            " return c.width && c.height && b.bottom > 0 && b.top < innerHeight; });"
            "return document.documentElement.outerHTML + seen.map((c) => c.toDataURL()).join()"
        )
        if shown != last:
            last, since = shown, time.monotonic()
        elif time.monotonic() - since > 0.5:
            return
        time.sleep(0.1)
    raise AssertionError(f"the page was still changing after {seconds} s")


def pixels(browser, place=0, selector=".card canvas"):
    width, height, values = browser.execute_script(
        "const c = document.querySelectorAll(arguments[1])[arguments[0]];"
        "return [c.width, c.height, [...c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data]]",
        place,
        selector,
    )
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


def shown_probes(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('.card')].map((c) => Number(c.dataset.probe))"
    )


def errors(browser):
    """What the page complains of; TensorBoard's own words apart."""
    ours = [e for e in browser.get_log("browser") if "plugin/saliency" in e["message"]]
    return [e["message"] for e in ours if e["level"] == "SEVERE"]
