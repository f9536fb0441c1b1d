import { documentMessages } from '../../../shared/messages.documents.en.ts';
import type { WholeObject } from './stored-object.ts';
import { type Report, type ReportItem, type ReportReference, reportOf } from './structured-report.ts';

/** Where a referenced object is among the pictures: its number, and how to go there. */
export type FindPicture = (reference: ReportReference) => { n: number; go: () => void } | null;

function References(props: { references: readonly ReportReference[]; find: FindPicture }) {
  const found = props.references.map((reference) => ({ reference, place: props.find(reference) }));
  const missing = found.filter(({ place }) => place === null).length;
  return (
    <span className="report-links">
      {found.map(
        ({ reference, place }) =>
          place && (
            <button
              key={`${reference.sopInstanceUID}#${reference.frames.join()}`}
              type="button"
              className="button"
              title={documentMessages.report.showImage}
              onClick={place.go}
            >
              {documentMessages.report.image(place.n, reference.frames.join(', '))}
            </button>
          ),
      )}
      {missing > 0 && <span>{documentMessages.report.notHere(missing)}</span>}
    </span>
  );
}

/** Several images in a row become one line of links. */
function gathered(items: readonly ReportItem[]): ReportItem[] {
  const out: ReportItem[] = [];
  for (const item of items) {
    const last = out.at(-1);
    const bare = (one: ReportItem) => one.references.length > 0 && one.name === '' && one.children.length === 0;
    if (last && bare(last) && bare(item)) last.references = [...last.references, ...item.references];
    else out.push({ ...item });
  }
  return out;
}

function Item(props: { item: ReportItem; find: FindPicture; level: number }) {
  const { item, find, level } = props;
  const children = item.children.length > 0 && (
    <div className={item.type === 'CONTAINER' ? undefined : 'report-children'}>
      <Items items={item.children} find={find} level={level + 1} />
    </div>
  );
  if (item.type === 'CONTAINER')
    return (
      <section>
        {item.name && (level < 3 ? <h3>{item.name}</h3> : <h4>{item.name}</h4>)}
        <div className={level > 1 ? 'report-children' : undefined}>{children}</div>
      </section>
    );
  return (
    <div className="report-item">
      {item.name && <span className="report-name">{item.name}: </span>}
      {item.value}
      {item.references.length > 0 && <References references={item.references} find={find} />}
      {children}
    </div>
  );
}

function Items(props: { items: readonly ReportItem[]; find: FindPicture; level: number }) {
  return gathered(props.items).map((item, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: content items have no other name than their place
    <Item key={i} item={item} find={props.find} level={props.level} />
  ));
}

/** A structured report or key object selection as a page to read, with links to its images. */
export function ReportView(props: { object: WholeObject; find: FindPicture }) {
  const report: Report = reportOf(props.object.metadata);
  return (
    <article className="report" aria-label={report.title}>
      {report.warnings.map((warning) => (
        <p key={warning} className="document-note">
          {documentMessages.report[warning]}
        </p>
      ))}
      <dl>
        {report.head.map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Items items={report.items} find={props.find} level={1} />
      {report.items.length === 0 && <p>{documentMessages.report.empty}</p>}
    </article>
  );
}
