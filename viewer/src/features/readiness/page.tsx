import { useEffect } from 'react';
import type { ReadinessAnswer, ReadinessDay, ReadinessList } from '../../../../contract/backfill.ts';
import { useList } from '../../shared/api/use-list.ts';
import { formatAgo, formatDate, formatPersonName } from '../../shared/format.ts';
import { historyMessages } from '../../shared/messages.history.en.ts';
import { navigate, useLocation } from '../../shared/navigation.ts';
import { useTitle } from '../../shared/use-title.ts';
import { DaysChart } from './days-chart.tsx';
import { OpenStudy, PatientList } from './patients.tsx';
import './readiness.css';

const text = historyMessages.readiness;
const periods = [7, 14, 30];
const everyMs = 20_000;

/** One number for a day's list: how many patients are ready. */
function ListCard(props: { list: ReadinessList; when: string }) {
  const { patients } = props.list;
  const ready = patients.filter(({ state }) => state === 'complete').length;
  const studies = patients.flatMap((patient) => patient.studies);
  const complete = studies.filter(({ state }) => state === 'complete').length;
  return (
    <section className={`readiness-card ${ready === patients.length ? 'readiness-good' : 'readiness-warn'}`}>
      <h2>{props.when}</h2>
      <p className="readiness-number">
        {patients.length === 0 ? text.nobody : text.patientsReady(ready, patients.length)}
      </p>
      {studies.length > 0 && <p className="soft">{text.studiesReady(complete, studies.length)}</p>}
    </section>
  );
}

function DaysCard({ days }: { days: ReadinessDay[] }) {
  const sum = (name: 'studies' | 'complete' | 'images' | 'imagesHere') =>
    days.reduce((total, day) => total + day[name], 0);
  const all = sum('studies');
  return (
    <section className={`readiness-card ${sum('complete') === all ? 'readiness-good' : 'readiness-warn'}`}>
      <h2>{text.daysTitle(days.length)}</h2>
      <p className="readiness-number">{text.pastReady(sum('complete'), all)}</p>
      <p className="soft">{text.imagesReady(sum('imagesHere'), sum('images'))}</p>
    </section>
  );
}

function DayRow({ day, now }: { day: ReadinessDay; now: number }) {
  return (
    <tr>
      <td className="readiness-time">{formatDate(day.day)}</td>
      <td>{day.studies}</td>
      <td>{day.complete}</td>
      <td className="readiness-time">{text.imagesReady(day.imagesHere, day.images)}</td>
      <td className="soft readiness-time">{day.askedAt ? formatAgo(day.askedAt, now) : text.notAsked}</td>
      <td>
        {day.open.length > 0 && (
          <details>
            <summary>{text.openStudies(day.studies - day.complete)}</summary>
            {day.open.map((study) => (
              <div key={study.studyInstanceUID}>
                <strong dir="auto">{formatPersonName(study.patientName)}</strong> <bdi>{study.patientID}</bdi>
                <OpenStudy study={study} />
              </div>
            ))}
          </details>
        )}
      </td>
    </tr>
  );
}

/** For the morning meeting: who can be read here today when the PACS is down, who cannot and why. */
export default function ReadinessPage() {
  const { query } = useLocation();
  const asked = Number(query.get('days'));
  const days = periods.includes(asked) ? asked : 7;
  const { value, failure, load } = useList<ReadinessAnswer>(`api/readiness?days=${days}`, { live: false });
  useEffect(() => {
    const timer = setInterval(load, everyMs);
    return () => clearInterval(timer);
  }, [load]);
  useTitle(text.title);
  const now = Date.now();
  return (
    <div className="page readiness">
      <div className="row">
        <h1>{text.title}</h1>
        <span className="readiness-space" />
        <fieldset className="readiness-periods" aria-label={text.period}>
          {periods.map((period) => (
            <button
              key={period}
              type="button"
              className="button"
              aria-pressed={period === days}
              onClick={() => navigate(`./readiness?days=${period}`, { replace: true })}
            >
              {text.days(period)}
            </button>
          ))}
        </fieldset>
        <button type="button" className="button button-primary readiness-print" onClick={() => window.print()}>
          {text.print}
        </button>
      </div>
      <p className="soft">{text.lead}</p>
      {failure && (
        <p className="notice notice-bad" role="alert">
          {text.failed(failure)}
        </p>
      )}
      {value && !value.possible && <p className="notice notice-warn">{text.impossible}</p>}
      {value && value.trouble !== '' && <p className="notice notice-warn">{text.trouble(value.trouble)}</p>}
      {value && (
        <>
          <div className="readiness-cards">
            <ListCard list={value.lists[0]!} when={text.today} />
            <ListCard list={value.lists[1]!} when={text.tomorrow} />
            <DaysCard days={value.days} />
          </div>
          <PatientList list={value.lists[0]!} when={text.today} />
          <PatientList list={value.lists[1]!} when={text.tomorrow} />
          <section className="readiness-section">
            <h2>{text.daysTitle(days)}</h2>
            <DaysChart days={value.days} />
            <table className="table readiness-table">
              <thead>
                <tr>
                  {text.dayColumns.map((head) => (
                    <th key={head}>{head}</th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {value.days.map((day) => (
                  <DayRow key={day.day} day={day} now={now} />
                ))}
              </tbody>
            </table>
          </section>
          <p className="readiness-printed">{text.printed(value.at)}</p>
        </>
      )}
    </div>
  );
}
