async function start(): Promise<void> {
  const { startApp } = await import('./app/app.tsx');
  await startApp();
}

void start();
