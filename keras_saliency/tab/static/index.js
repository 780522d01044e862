export function render(){document.body.textContent="hi"}
