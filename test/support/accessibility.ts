import type { Page } from 'playwright-core';

/** Text needs this contrast with what is behind it (WCAG 2.2, 1.4.3), whatever its size. */
const CONTRAST_MIN = 4.5;
const CONTROLS = new Set(
  'button link textbox searchbox checkbox radio combobox listbox option slider spinbutton switch tab menuitem image Date'.split(
    ' ',
  ),
);

interface AxNode {
  ignored?: boolean;
  role?: { value?: string };
  name?: { value?: string };
  backendDOMNodeId?: number;
}

/** Controls and pictures without a name, as the browser tells them to a screen reader. */
async function namelessControls(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  try {
    const { nodes } = (await session.send('Accessibility.getFullAXTree')) as { nodes: AxNode[] };
    return nodes
      .filter((node) => !node.ignored && CONTROLS.has(node.role?.value ?? '') && !node.name?.value?.trim())
      .map((node) => `a ${node.role?.value} without a name`);
  } finally {
    await session.detach();
  }
}

/** Language, title, order of headings, tab order, ids, contrast of every text in sight. */
function staticFindings(contrastMin: number): string[] {
  const findings: string[] = [];
  const visible = (element: Element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const named = (element: Element) =>
    `<${element.tagName.toLowerCase()} class="${element.className}"> ${element.textContent?.trim().slice(0, 40)}`;
  if (!document.documentElement.lang) findings.push('the page has no language');
  if (!document.title.trim()) findings.push('the page has no title');
  const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
    .filter(visible)
    .map((h) => Number(h.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) findings.push(`not one h1 but levels ${levels}`);
  if (levels.some((level, at) => level > (levels[at - 1] ?? 0) + 1)) findings.push(`headings out of order: ${levels}`);
  for (const element of document.querySelectorAll<HTMLElement>('[tabindex]'))
    if (element.tabIndex > 0) findings.push(`positive tabindex: ${named(element)}`);
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) findings.push(`id ${id} twice`);

  type Colour = [number, number, number, number];
  const colour = (css: string): Colour => {
    const [r = 0, g = 0, b = 0, a = 1] = (css.match(/[\d.]+/g) ?? []).map(Number);
    return [r, g, b, a];
  };
  const over = (top: Colour, below: Colour): Colour => {
    const mix = (i: 0 | 1 | 2) => top[i] * top[3] + below[i] * (1 - top[3]);
    return [mix(0), mix(1), mix(2), 1];
  };
  const luminance = ([r, g, b]: Colour) => {
    const [R, G, B] = [r, g, b].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const background = (element: Element): Colour => {
    const layers: Colour[] = [];
    for (let at: Element | null = element; at; at = at.parentElement) {
      const layer = colour(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reduceRight<Colour>((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const opacity = (element: Element) => {
    let share = 1;
    for (let at: Element | null = element; at; at = at.parentElement) share *= Number(getComputedStyle(at).opacity);
    return share;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set<string>();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement!;
    if (!walker.currentNode.textContent?.trim() || !visible(element) || element.closest('option, script, style'))
      continue;
    // Controls that cannot be used are exempt (WCAG 2.2, 1.4.3).
    if (element.closest(':disabled')) continue;
    const behind = background(element);
    const own = colour(getComputedStyle(element).color);
    own[3] *= opacity(element);
    const [light, dark] = [luminance(over(own, behind)), luminance(behind)].sort((a, b) => b - a) as [number, number];
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < contrastMin) seen.add(`contrast ${ratio.toFixed(2)}: ${named(element)}`);
  }
  return [...findings, ...seen];
}

/** Walks the page by Tab: whatever gets the focus must show it. */
async function unseenFocus(page: Page, steps: number): Promise<string[]> {
  const findings = new Set<string>();
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  for (let step = 0; step < steps; step++) {
    await page.keyboard.press('Tab');
    const finding = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return '';
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const shown = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1;
      return shown ? '' : `focus not seen: <${element.tagName.toLowerCase()} class="${element.className}">`;
    });
    if (finding) findings.add(finding);
  }
  return [...findings];
}

/** What still moves for people who asked their system for less motion. */
async function motion(page: Page): Promise<string[]> {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const findings = await page.evaluate(() => {
    const seconds = (css: string) => Math.max(...css.split(',').map((part) => Number.parseFloat(part) || 0));
    return [...document.querySelectorAll('*')]
      .filter((element) => {
        const style = getComputedStyle(element);
        const moves = style.animationName !== 'none' && seconds(style.animationDuration) > 0.01;
        return moves || seconds(style.transitionDuration) > 0.01 || style.scrollBehavior === 'smooth';
      })
      .map(
        (element) =>
          `moves in spite of reduced motion: <${element.tagName.toLowerCase()} class="${element.className}">`,
      );
  });
  await page.emulateMedia({ reducedMotion: null });
  return [...new Set(findings)];
}

/** What keeps people with little sight, without a mouse or without calm eyes from using the page as it is now; none: []. */
export async function accessibilityFindings(page: Page, options: { tabs?: number } = {}): Promise<string[]> {
  return [
    ...(await namelessControls(page)),
    ...(await page.evaluate(staticFindings, CONTRAST_MIN)),
    ...(await unseenFocus(page, options.tabs ?? 25)),
    ...(await motion(page)),
  ];
}
