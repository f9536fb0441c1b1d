import { formatDate, formatPersonName } from '../../../shared/format.ts';
import { deskMessages } from '../../../shared/messages.desk.en.ts';
import type { ReadFinding } from '../annotations/read-report.ts';
import { textOf } from '../study/dicom-json.ts';
import type { ViewportController } from '../viewport/controller.ts';
import { pictureCanvas } from './picture-canvas.ts';

const words = deskMessages.takeAway;

function element(name: string, text = ''): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** Who, when and which image, below a picture on paper. */
function captionOf(controller: ViewportController): string {
  const { onScreen, stack } = controller;
  if (!onScreen || !stack) return '';
  const { attributes } = onScreen.picture;
  const window = controller.currentWindow();
  return [
    `${formatPersonName(textOf(attributes, '00100010'))} (${textOf(attributes, '00100020')}) ${formatDate(textOf(attributes, '00100030'))}`,
    `${formatDate(textOf(attributes, '00080020'))} ${textOf(attributes, '00081030')}`,
    `${stack.modality} #${stack.seriesNumber} ${stack.description}, ${onScreen.index + 1} / ${stack.pictures.length}`,
    window ? `C ${Math.round(window.center)} W ${Math.round(window.width)}` : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

/** Prints the pictures of the panes as they are seen, with what is measured in them and the provisional findings. */
export function printSheet(panes: readonly ViewportController[], findings: readonly ReadFinding[]): void {
  document.querySelector('.print-sheet')?.remove();
  const sheet = element('div');
  sheet.className = 'print-sheet';
  sheet.append(element('h1', words.sheetTitle), element('p', words.sheetNote));
  const pictures = element('div');
  pictures.className = 'print-pictures';
  for (const pane of panes) {
    const canvas = pictureCanvas(pane, true);
    if (!canvas) continue;
    const figure = element('figure');
    figure.append(canvas, element('figcaption', captionOf(pane)));
    pictures.append(figure);
  }
  sheet.append(pictures);
  for (const finding of findings) {
    sheet.append(
      element('h2', deskMessages.findings.head(finding.author, formatDate(finding.date), finding.time.slice(0, 4))),
    );
    sheet.append(element('pre', finding.text));
  }
  document.body.append(sheet);
  addEventListener('afterprint', () => sheet.remove(), { once: true });
  print();
}
