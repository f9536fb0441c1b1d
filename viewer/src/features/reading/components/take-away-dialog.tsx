import { useState } from 'react';
import { root } from '../../../shared/api/client.ts';
import { archiveDoor } from '../../../shared/api/door.ts';
import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { Dialog } from '../../../shared/ui/dialog.tsx';
import type { ReadFinding } from '../annotations/read-report.ts';
import { textOf } from '../study/dicom-json.ts';
import { pictureCanvas, savePng } from '../take-away/picture-canvas.ts';
import { printSheet } from '../take-away/print-sheet.ts';
import type { Desk } from '../use-desk.ts';

const words = deskMessages.takeAway;

/** Image as PNG, print sheet, ZIP with DICOMDIR, teaching copy. */
export default function TakeAwayDialog(props: { desk: Desk; findings: ReadFinding[]; onClose: () => void }) {
  const { desk } = props;
  const { active } = desk;
  const [checked, setChecked] = useState(false);
  const { stack, onScreen } = active;
  const address = (what: 'zip' | 'teaching', series: boolean) => {
    const url = new URL(`api/studies/${encodeURIComponent(stack?.studyInstanceUID ?? '')}/${what}`, root);
    if (series && stack) url.searchParams.set('series', stack.seriesInstanceUID);
    return url.href;
  };
  const png = (marks: boolean) => {
    const canvas = pictureCanvas(active, marks);
    if (canvas && stack && onScreen)
      savePng(canvas, `lifeboat-${stack.modality}-${stack.seriesNumber || 0}-${onScreen.index + 1}.png`);
  };
  const said = onScreen ? textOf(onScreen.picture.attributes, '00280301') : '';
  return (
    <Dialog wide title={words.title} onClose={props.onClose}>
      {!stack && <p>{words.nothing}</p>}
      {stack && (
        <div className="take-away">
          <section>
            <h3>{words.image}</h3>
            <button type="button" className="button" onClick={() => png(false)}>
              {words.png}
            </button>{' '}
            <button type="button" className="button" onClick={() => png(true)}>
              {words.pngMarks}
            </button>{' '}
            <button type="button" className="button" onClick={() => printSheet(desk.seen, props.findings)}>
              {words.print}
            </button>
            <p className="soft">{words.imageNote}</p>
          </section>
          {archiveDoor().live && (
            <>
              <section>
                <h3>{words.dicom}</h3>
                <a className="button" href={address('zip', true)} download>
                  {words.seriesZip}
                </a>{' '}
                <a className="button" href={address('zip', false)} download>
                  {words.studyZip}
                </a>
                <p className="soft">{words.dicomNote}</p>
              </section>
              <section>
                <h3>{words.teaching}</h3>
                <p>{words.teachingNote}</p>
                {said !== 'NO' && <p role="alert">{said === 'YES' ? words.burnedIn : words.perhapsBurnedIn}</p>}
                <label>
                  <input type="checkbox" checked={checked} onChange={(event) => setChecked(event.target.checked)} />{' '}
                  {words.checked}
                </label>
                <p>
                  {checked ? (
                    <a className="button" href={address('teaching', true)} download>
                      {words.seriesTeaching}
                    </a>
                  ) : (
                    <button type="button" className="button" disabled>
                      {words.seriesTeaching}
                    </button>
                  )}
                </p>
              </section>
            </>
          )}
        </div>
      )}
    </Dialog>
  );
}
