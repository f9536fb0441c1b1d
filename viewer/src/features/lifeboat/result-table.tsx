import type { KeyboardEvent } from 'react';
import type { LifeboatHit } from '../../../../storage/format/lifeboat-index.ts';
import {
  formatAgo,
  formatCount,
  formatDate,
  formatInstant,
  formatPersonName,
  formatTime,
} from '../../shared/format.ts';
import { lifeboatMessages } from '../../shared/messages.lifeboat.en.ts';
import { pageMessages } from '../../shared/messages.pages.en.ts';
import { navigate } from '../../shared/navigation.ts';
import { Link } from '../../shared/ui/link.tsx';

const { columns, images, noName } = pageMessages.worklist;
const text = lifeboatMessages.find;

function PatientName({ value }: { value: string }) {
  const groups = value.split('=').map((group) => formatPersonName(group));
  const [main = noName, ...others] = groups.filter((group, i) => group && groups.indexOf(group) === i);
  return (
    <>
      <strong dir="auto">{main}</strong>
      {others.map((group) => (
        <span key={group} className="soft lifeboat-group" dir="auto">
          {group}
        </span>
      ))}
    </>
  );
}

/** Arrow keys, Home and End walk the studies; Enter opens: the focus is on the link. */
function walk(event: KeyboardEvent<HTMLTableElement>): void {
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('.lifeboat-open')];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  links[to]?.focus();
}

/** Studies found, each a link to its images. */
export function ResultTable({ hits }: { hits: LifeboatHit[] }) {
  return (
    <table className="table" onKeyDown={walk}>
      <thead>
        <tr>
          <th scope="col">{columns.patientName}</th>
          <th scope="col">{columns.patientID}</th>
          <th scope="col">{columns.patientBirthDate}</th>
          <th scope="col">{columns.studyDate}</th>
          <th scope="col">{columns.modalities}</th>
          <th scope="col">{columns.studyDescription}</th>
          <th scope="col">{columns.accessionNumber}</th>
          <th scope="col">{columns.instanceCount}</th>
          <th scope="col">{text.received}</th>
        </tr>
      </thead>
      <tbody>
        {hits.map((hit) => {
          const address = `./viewer?StudyInstanceUIDs=${encodeURIComponent(hit.studyInstanceUID)}`;
          return (
            <tr key={hit.studyInstanceUID} data-study={hit.studyInstanceUID} onDoubleClick={() => navigate(address)}>
              <td>
                <Link to={address} className="lifeboat-open">
                  <PatientName value={hit.patientName} />
                </Link>
              </td>
              <td>
                <bdi>{hit.patientID}</bdi>
              </td>
              <td className="lifeboat-nowrap">
                {formatDate(hit.patientBirthDate)} {hit.patientSex && <span className="soft">{hit.patientSex}</span>}
              </td>
              <td className="lifeboat-nowrap">
                {formatDate(hit.studyDate)} <span className="soft">{formatTime(hit.studyTime)}</span>
              </td>
              <td>{hit.modalities.join(' ')}</td>
              <td>
                <bdi>{hit.studyDescription}</bdi>
              </td>
              <td>
                <bdi>{hit.accessionNumber}</bdi>
              </td>
              <td title={images(hit.series, hit.instances)}>{formatCount(hit.instances)}</td>
              <td title={formatInstant(hit.receivedAt)}>{formatAgo(hit.receivedAt)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
