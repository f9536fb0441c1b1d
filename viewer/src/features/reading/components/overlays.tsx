import { formatDate, formatPersonName, formatTime } from '../../../shared/format.ts';
import { messages } from '../../../shared/messages.en.ts';
import type { ReadFinding } from '../annotations/read-report.ts';
import { numberOf, numbersOf, textOf, textsOf } from '../study/dicom-json.ts';
import { frameAttributesOf } from '../study/frame-attributes.ts';
import { markersOf, wholeCalibration } from '../study/geometry.ts';
import { partText, whySplit } from '../study/part-text.ts';
import type { OpenedStudy } from '../study/study-loader.ts';
import type { Picture, Stack } from '../study/study-model.ts';
import type { ViewportController } from '../viewport/controller.ts';
import { planeText } from '../viewport/measurements.ts';
import { LENS_FACTOR } from '../viewport/pane-canvas.ts';
import { edgeDirections } from '../viewport/view-transform.ts';
import { Flags } from './flags.tsx';

function rounded(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
}

/**
 * Text in the corners of a viewport, letters at its edges, and the ruler: all of the picture whose pixels are on the screen,
 * which while scrolling is not yet the one asked for.
 */
export function Overlays(props: {
  controller: ViewportController;
  study?: OpenedStudy;
  textShown: boolean;
  findings?: ReadFinding[];
}) {
  const { controller } = props;
  const { stack, onScreen } = controller;
  if (!stack || !onScreen) return null;
  const { picture } = onScreen;
  const attributes = frameAttributesOf(picture);
  const { right, down } = edgeDirections(controller.placement);
  const markers = markersOf(attributes, right, down);
  return (
    <>
      {markers && (
        <>
          <span className="marker marker-top">{markers.top}</span>
          <span className="marker marker-right">{markers.right}</span>
          <span className="marker marker-bottom">{markers.bottom}</span>
          <span className="marker marker-left">{markers.left}</span>
        </>
      )}
      <Flags controller={controller} study={props.study} stack={stack} picture={picture} findings={props.findings} />
      {props.textShown && <Corners controller={controller} stack={stack} picture={picture} index={onScreen.index} />}
      <Ruler controller={controller} picture={picture} />
    </>
  );
}

function Corners(props: { controller: ViewportController; stack: Stack; picture: Picture; index: number }) {
  const { controller, stack, picture } = props;
  const attributes = frameAttributesOf(picture);
  const window = controller.currentWindow();
  const location = numberOf(attributes, '00201041') ?? numbersOf(attributes, '00200032')[2];
  const thickness = numberOf(attributes, '00180050');
  const scale = controller.scale();
  const laterality = textOf(attributes, '00200062') || textOf(attributes, '00200060');
  const view = textsOf(attributes, '00185101').join(' ');
  return (
    <>
      <div className="corner corner-top-left">
        <strong>{formatPersonName(textOf(attributes, '00100010')) || '—'}</strong>
        <span>{textOf(attributes, '00100020')}</span>
        <span>
          {[formatDate(textOf(attributes, '00100030')), textOf(attributes, '00100040')].filter(Boolean).join('  ')}
        </span>
      </div>
      <div className="corner corner-top-right">
        <span className="minor">{textOf(attributes, '00080080')}</span>
        <span>
          {[formatDate(textOf(attributes, '00080020')), formatTime(textOf(attributes, '00080030'))]
            .filter(Boolean)
            .join(' ')}
        </span>
        <span>{textOf(attributes, '00081030')}</span>
        <span>
          {[stack.modality, stack.seriesNumber && `#${stack.seriesNumber}`, stack.description]
            .filter(Boolean)
            .join(' ')}
        </span>
        {stack.traits.length > 0 && (
          <span className="part">
            {partText(stack)}. {whySplit(stack)}
          </span>
        )}
        <span>{[laterality, view].filter(Boolean).join(' ')}</span>
      </div>
      <div className="corner corner-bottom-left">
        <strong className="slice">
          {props.index + 1} / {stack.pictures.length}
        </strong>
        {location !== undefined && <span>{location.toFixed(1)} mm</span>}
        {thickness !== undefined && <span>{rounded(thickness)} mm thick</span>}
        {controller.cine > 0 && <span>{messages.reading.cineRate(rounded(controller.cine), controller.cineTold)}</span>}
      </div>
      <div className="corner corner-bottom-right">
        {window && (
          <span className="window-text">
            C {rounded(window.center)} W {rounded(window.width)}
          </span>
        )}
        {scale !== null && <span>{Math.round(scale * 100)} %</span>}
        {controller.lensHeld && <span>{messages.reading.lens(LENS_FACTOR)}</span>}
      </div>
    </>
  );
}

const rulerLengths = [200, 100, 50, 20, 10, 5, 2, 1];

/** Ten parts at the lower edge whose length in the patient is written beside them. */
function Ruler(props: { controller: ViewportController; picture: Picture }) {
  const { controller, picture } = props;
  const scale = controller.scale();
  if (scale === null) return null;
  const calibration = wholeCalibration(frameAttributesOf(picture));
  if (!calibration) return null;
  const perMm = scale / calibration.row;
  const length = rulerLengths.find((mm) => mm * perMm < 220);
  if (!length || length * perMm < 20) return null;
  return (
    <div className="ruler" style={{ width: length * perMm }}>
      <span>
        {length} mm {planeText(calibration)}
      </span>
    </div>
  );
}
