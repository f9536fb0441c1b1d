export const layouts = ['1x1', '1x2', '2x1', '2x2'] as const;
export type LayoutName = (typeof layouts)[number];

export const panesOf: Record<LayoutName, number> = { '1x1': 1, '1x2': 2, '2x1': 2, '2x2': 4 };

/** The smallest layout in which as many studies lie side by side; beyond four they are in the list of series only. */
export function layoutFor(studies: number): LayoutName {
  return studies > 2 ? '2x2' : studies === 2 ? '1x2' : '1x1';
}
