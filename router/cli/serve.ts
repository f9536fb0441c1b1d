import { Command } from 'commander';
import { type RunningRouter, serve } from '../serve.ts';
import { version } from '../version.ts';
import { settingsOf } from './settings.ts';
import { command, fail } from './terminal.ts';

export function serveCommand(): Command {
  const serveCmd = new Command('serve')
    .description('run router, store and viewer until stopped')
    .addHelpText(
      'after',
      `
Examples:
  lifeboat serve
  LIFEBOAT_DATA=/srv/lifeboat LIFEBOAT_HTTP_PORT=80 lifeboat serve
  lifeboat --config /etc/lifeboat.yaml serve`,
    )
    .action(
      command(async () => {
        const router = await serve(settingsOf(serveCmd));
        stopOnSignal(router);
        announce(router);
      }),
    );
  return serveCmd;
}

/** Says where everything is. Tests and scripts read these lines: keep their first words. */
function announce(router: RunningRouter): void {
  const { context, url, dicomPort, dicomTlsPort, firstStart } = router;
  const { config, archive } = context;
  const lines = [
    `Lifeboat ${version}`,
    `  Viewer     ${url}`,
    `  DICOM      AE ${config.aeTitle}, port ${dicomPort}${dicomPort === dicomTlsPort ? ', only with TLS' : ''}`,
    ...(dicomTlsPort === null
      ? []
      : [
          `  DICOM TLS  port ${dicomTlsPort}, client certificates ${config.dicomTls?.clientCa ? 'demanded' : 'not needed'}`,
        ]),
    `  DICOMweb   ${url}/dicom-web`,
    `  Data       ${config.dataDir}`,
    `  Store      ${archive.store.description}`,
    `  Catalogue  ${archive.catalogue.description}`,
  ];
  if (config.pacs) lines.push(`  PACS       ${config.pacs.aeTitle}@${config.pacs.host}:${config.pacs.port}, watched`);
  for (const { aeTitle, host, port } of config.forwardTo ?? [])
    lines.push(`  Passed on  to ${aeTitle}@${host}:${port}`);
  if (config.acceptAE.length === 0)
    lines.push(
      '  Senders    unknown ones are rejected and wait for your click: viewer, page IT; or `lifeboat ae allow TITLE`',
    );
  else lines.push(`  Senders    ${config.acceptAE.includes('*') ? 'any' : config.acceptAE.join(', ')}`);
  if (firstStart?.oneTimePassword)
    lines.push(
      '',
      `  First start: sign in as ${firstStart.user} with the one-time password ${firstStart.oneTimePassword}`,
      '  It is shown only now; change it at the first sign-in.',
    );
  else if (firstStart) lines.push(`  First start: user ${firstStart.user}, password from LIFEBOAT_ADMIN_PASSWORD`);
  console.log(`${lines.join('\n')}\nReady. Stop with Ctrl+C.`);
}

function stopOnSignal(router: RunningRouter): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    console.log(`${signal}: finishing what is under way …`);
    router.close().then(
      () => {
        console.log('Stopped. Everything acknowledged is kept.');
        process.exit(0);
      },
      (error: unknown) => {
        fail(error);
        process.exit();
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}
