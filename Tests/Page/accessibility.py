"""Checks of accessibility: axe where its package is installed, and checks of our own in any case."""

import os

try:
    import axe_core_python

    AXE = os.path.join(os.path.dirname(axe_core_python.__file__), "axe.min.js")
except ImportError:
    AXE = None

CONTRAST = """
const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const numbers = color => color.match(/[\\d.]+/g).map(Number);
function background(element) {
  for (let part = element; part; part = part.parentElement) {
    const color = numbers(getComputedStyle(part).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color.slice(0, 3);
  }
  return [255, 255, 255];
}
const poor = [];
for (const element of document.querySelectorAll('main *')) {
  const text = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  if (!text || !element.checkVisibility()) continue;
  const [one, two] = [luminance(numbers(getComputedStyle(element).color)), luminance(background(element))].sort((a, b) => b - a);
  const ratio = (one + 0.05) / (two + 0.05);
  if (ratio < 4.5) poor.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
}
return poor;
"""

SIZES = """
const small = [...document.querySelectorAll('button, input')].filter(part => part.checkVisibility())
  .map(part => [part, part.getBoundingClientRect()]).filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([part, box]) => `${part.className} ${box.width} x ${box.height}`);
const root = document.documentElement;
return root.scrollWidth > root.clientWidth ? [...small, `the page is ${root.scrollWidth} wide in ${root.clientWidth}`] : small;
"""


def check_with_axe(browser):
    if not AXE:
        return
    with open(AXE, encoding="utf-8") as source:
        browser.run(source.read())
    found = browser.driver.execute_async_script(
        "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(r => done(r.violations))")
    words = [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:150]}" for one in found]
    assert not words, f"axe: {words}"


def check_contrast(browser):
    poor = browser.run(CONTRAST)
    assert not poor, f"contrast below 4.5: {poor}"


def check_sizes(browser):
    wrong = browser.run(SIZES)
    assert not wrong, wrong
