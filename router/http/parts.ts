import type { Logger } from 'pino';
import type { AuditDigest } from '../access/audit-digest.ts';
import type { Control } from '../access/control.ts';
import type { RouterContext } from '../context.ts';
import type { Integrity } from '../integrity.ts';
import type { LifeboatMode } from '../lifeboat/lifeboat-mode.ts';
import type { Retention } from '../retention/retention.ts';
import type { StatusBoard } from '../status.ts';
import type { SignedManifests } from './signed-manifest.ts';
import type { ObjectSigner } from './signed-objects.ts';

/** What the HTTP handlers share. */
export interface HttpParts {
  context: RouterContext;
  control: Control;
  digest: AuditDigest;
  signer: ObjectSigner;
  manifests: SignedManifests;
  status: StatusBoard;
  integrity: Integrity;
  lifeboat: LifeboatMode;
  retention: Retention;
  log: Logger;
}
