const counts = [1, 2, 3, 4] as const;
type Count = (typeof counts)[number];

/** Rows, `x`, columns. */
export type LayoutName = `${Count}x${Count}`;

export const layouts: readonly LayoutName[] = counts.flatMap((rows) =>
  counts.map((columns): LayoutName => `${rows}x${columns}`),
);

export const mostPanes = 16;

/** Rows and columns of a layout. */
export function gridOf(layout: LayoutName): { rows: number; columns: number } {
  const [rows, columns] = layout.split('x').map(Number) as [number, number];
  return { rows, columns };
}

/** Number of panes of a layout. */
export function panesOf(layout: LayoutName): number {
  const { rows, columns } = gridOf(layout);
  return rows * columns;
}

/** The layout of that name, or undefined. */
export function layoutNamed(name: string): LayoutName | undefined {
  return layouts.find((layout) => layout === name);
}

/** The smallest layout in which as many studies lie side by side; beyond four they are in the list of series only. */
export function layoutFor(studies: number): LayoutName {
  return studies > 2 ? '2x2' : studies === 2 ? '1x2' : '1x1';
}
