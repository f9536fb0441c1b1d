import type { ViewportController } from '../viewport/controller.ts';
import { fitScale, imageToView, initialPlacement, mapPoint, type Placement } from '../viewport/view-transform.ts';
import type { PresentedLook } from './presentation.ts';

/**
 * Gives a pane the look of a presentation state. The mirror comes after the turn (PS3.3 C.10.6); a placement mirrors first, so
 * a mirrored picture is turned the other way round.
 */
export function applyLook(controller: ViewportController, look: PresentedLook): void {
  const geometry = controller.geometry();
  const grayscale = controller.shown?.grayscale;
  if (look.window) controller.setWindow({ kind: 'window', ...look.window });
  if (look.inverse !== undefined && grayscale && controller.invert !== (look.inverse !== grayscale.inverted))
    controller.toggleInvert();
  if (!geometry) return;
  const { turns, flipped, area } = look;
  const placement: Placement = { ...initialPlacement, flipped, turns: flipped ? (4 - turns) % 4 : turns };
  if (area) {
    const shown = { ...geometry, columns: area.right - area.left, rows: area.bottom - area.top };
    placement.zoom = fitScale(shown, placement.turns) / fitScale(geometry, placement.turns);
    const centre = { x: (area.left + area.right) / 2, y: (area.top + area.bottom) / 2 };
    const at = mapPoint(imageToView(geometry, placement), centre);
    placement.panX = geometry.viewWidth / 2 - at.x;
    placement.panY = geometry.viewHeight / 2 - at.y;
  }
  controller.place(placement);
}
