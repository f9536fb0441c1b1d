import { integrityMessages as text } from '../../shared/messages.integrity.en.ts';
import { useLocation } from '../../shared/navigation.ts';
import { useTitle } from '../../shared/use-title.ts';
import { Overview } from './overview.tsx';
import { StudyPage } from './study-page.tsx';
import './integrity.css';

/** For IT: is the archive complete and uncorrupted, and how is that known? One study's hashes stand in the address. */
export default function IntegrityPage() {
  const { query } = useLocation();
  const study = query.get('study') ?? '';
  useTitle(text.title);
  return <div className="page">{study ? <StudyPage key={study} uid={study} /> : <Overview />}</div>;
}
