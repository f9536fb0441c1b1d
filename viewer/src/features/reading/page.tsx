import { messages } from '../../shared/messages.en.ts';

export default function ReadingPage() {
  return <div className="page">{messages.reading.noStudy}</div>;
}
