/** A point of the image: column and row; pixel corners are whole numbers. */
export interface Point {
  x: number;
  y: number;
}
