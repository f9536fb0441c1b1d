import { formatCount } from '../../../shared/format.ts';
import { deskMessages } from '../../../shared/messages.desk.en.ts';
import { messages } from '../../../shared/messages.en.ts';
import type { ReadFinding } from '../annotations/read-report.ts';
import { completenessOf } from '../study/completeness.ts';
import { textOf } from '../study/dicom-json.ts';
import { lossinessOf, lossyStepsText } from '../study/lossy.ts';
import { identityOf, patientText, samePatient } from '../study/patient.ts';
import type { OpenedStudy } from '../study/study-loader.ts';
import type { Picture, Stack } from '../study/study-model.ts';
import type { ViewportController } from '../viewport/controller.ts';

interface Flag {
  level: '' | 'bad' | 'sample';
  text: string;
}

function lossyText(picture: Picture): string {
  const { lossy } = lossinessOf(picture);
  if (lossy === 'perhaps') return messages.reading.perhapsLossy;
  return lossy === 'no' ? '' : messages.reading.lossy(lossyStepsText(picture, messages.reading.lossyThen));
}

/** What is here of the series on the screen, where that is not simply all. */
function arrivalFlags(study: OpenedStudy, stack: Stack): Flag[] {
  const series = completenessOf(study.model).get(stack.seriesInstanceUID);
  if (!series || !study.complete) return [{ level: '', text: messages.reading.listing(study.model.objects) }];
  const { have, announced, gaps } = series;
  const flags: Flag[] = [];
  const count = announced === undefined ? formatCount(have) : messages.reading.ofAnnounced(have, announced);
  if (study.receiving) flags.push({ level: '', text: messages.reading.stillArriving(count) });
  else if (announced !== undefined) flags.push({ level: 'bad', text: messages.reading.notAllHere(count) });
  if (gaps && !study.receiving) flags.push({ level: 'bad', text: messages.reading.gaps(gaps) });
  return flags;
}

/** An image whose patient is not the one the study is filed under. */
function patientFlag(study: OpenedStudy, picture: Picture): Flag[] {
  const { attributes } = study.model;
  if (samePatient(identityOf(attributes), identityOf(picture.attributes))) return [];
  return [{ level: 'bad', text: messages.reading.otherPatient(patientText(attributes)) }];
}

/** What whoever reads the image on the screen must know of it, most important first. */
export function Flags(props: {
  controller: ViewportController;
  study?: OpenedStudy;
  stack: Stack;
  picture: Picture;
  findings?: ReadFinding[];
}) {
  const { controller, study, stack, picture } = props;
  const versions = (picture.instance.superseded?.length ?? 0) + 1;
  const bad = (text: string): Flag => ({ level: 'bad', text });
  const lossy = lossyText(picture);
  const hidden =
    !controller.overlaysShown &&
    ((controller.shown?.overlays.length ?? 0) > 0 || controller.shown?.shutter !== undefined);
  const flags: Flag[] = [
    ...(study ? patientFlag(study, picture) : []),
    ...(versions > 1 ? [bad(messages.reading.conflict(versions))] : []),
    ...(controller.shown?.remarks ?? []).map(bad),
    ...(study ? arrivalFlags(study, stack) : []),
    ...(lossy ? [{ level: '' as const, text: lossy }] : []),
    ...(controller.annotations.keyImages.has(picture.id)
      ? [{ level: 'sample' as const, text: deskMessages.keyImage }]
      : []),
    ...(props.findings?.[0]
      ? [{ level: '' as const, text: deskMessages.findings.flag(props.findings[0].author) }]
      : []),
    ...(hidden ? [{ level: '' as const, text: messages.reading.overlaysHidden }] : []),
    ...(picture.instance.notes ?? []).map((note) => ({
      level: '' as const,
      text: `${messages.reading.notes}: ${note}`,
    })),
    ...(/SAMPLE/i.test(textOf(picture.attributes, '00100010'))
      ? [{ level: 'sample' as const, text: messages.reading.sample }]
      : []),
  ];
  return (
    <div className="flags">
      {flags.map(({ level, text }) => (
        <span key={text} className={level ? `flag flag-${level}` : 'flag'}>
          {text}
        </span>
      ))}
    </div>
  );
}
