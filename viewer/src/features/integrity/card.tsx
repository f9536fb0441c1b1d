import type { ReactNode } from 'react';

export function Card(props: {
  title: string;
  level?: 'good' | 'warn' | 'bad' | '';
  value: ReactNode;
  children?: ReactNode;
}) {
  return (
    <section className={`integrity-card integrity-${props.level || 'plain'}`}>
      <h2>{props.title}</h2>
      <p className="integrity-value">{props.value}</p>
      {props.children}
    </section>
  );
}
