/**
 * A failure that the autoscaler's conditions and Events tell already: the turn failed and is repeated as any other, and
 * the log, which upstream fills with it every 15 s where no metrics are served, has nothing to add.
 */
export class ReportedFailure extends Error {
  override readonly name = 'ReportedFailure';
}
