/** PriorityLevelConfigurations (`pkg/apis/flowcontrol/validation/validation.go`, `ValidatePriorityLevelConfiguration`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../generated/types/flowcontrol-v1.ts';
import { checkFlowConditions } from './flow-schema.ts';
import { mandatorySpec } from './mandatory.ts';

const maxQueues = 10_000_000;
/** Bits of a flow's hash: dealing a hand of queues must not need more (`shufflesharding.MaxHashBits`). */
const maxHashBits = 60;
const exempt = 'exempt';

function checkHand(errors: ErrorList, { queues, handSize }: { queues: number; handSize: number }, path: string): void {
  if (handSize <= 0) errors.invalid(path, handSize, 'must be positive');
  else if (handSize > queues) errors.invalid(path, handSize, `should not be greater than queues (${queues})`);
  else if (Math.ceil(Math.log2(queues) * handSize) > maxHashBits) {
    const bits = `required entropy bits of deckSize ${queues} and handSize ${handSize}`;
    errors.invalid(path, handSize, `${bits} should not be greater than ${maxHashBits}`);
  }
}

function checkQueuing(errors: ErrorList, queuing: QueuingConfiguration, path: string): void {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  if (queueLengthLimit <= 0) errors.invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive');
  if (queues <= 0) errors.invalid(`${path}.queues`, queues, 'must be positive');
  else if (queues > maxQueues) errors.invalid(`${path}.queues`, queues, `must not be greater than ${maxQueues}`);
  checkHand(errors, { queues, handSize }, `${path}.handSize`);
}

/** The messages say "Limited" where they mean "Queue": users know them so. */
function checkLimitResponse(errors: ErrorList, response: Partial<LimitResponse>, path: string): void {
  const { type = '', queuing } = response;
  if (type === 'Reject') {
    if (queuing !== undefined) {
      errors.forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited');
    }
  } else if (type === 'Queue') {
    if (queuing !== undefined) checkQueuing(errors, queuing, `${path}.queuing`);
    else errors.required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited');
  } else errors.notSupported(`${path}.type`, type, ['Queue', 'Reject']);
}

function checkShares(
  errors: ErrorList,
  { nominalConcurrencyShares = 0, lendablePercent = 0 }: ExemptPriorityLevelConfiguration,
  path: string,
): void {
  if (nominalConcurrencyShares < 0) {
    errors.invalid(`${path}.nominalConcurrencyShares`, nominalConcurrencyShares, 'must be a non-negative integer');
  }
  if (lendablePercent < 0 || lendablePercent > 100) {
    errors.invalid(`${path}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive');
  }
}

function checkLimited(errors: ErrorList, limited: LimitedPriorityLevelConfiguration, path: string): void {
  checkShares(errors, limited, path);
  checkLimitResponse(errors, limited.limitResponse ?? {}, `${path}.limitResponse`);
  const { borrowingLimitPercent } = limited;
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    errors.invalid(
      `${path}.borrowingLimitPercent`,
      borrowingLimitPercent,
      'if specified, must be a non-negative integer',
    );
  }
}

function checkSpec(errors: ErrorList, name: string, spec: Partial<PriorityLevelConfigurationSpec>): void {
  const { type = '', limited } = spec;
  if ((name === exempt) !== (type === 'Exempt')) {
    errors.invalid('spec.type', type, "type must be 'Exempt' if and only if name is 'exempt'");
  }
  if (type === 'Exempt') {
    if (limited !== undefined) errors.forbidden('spec.limited', 'must be nil if the type is not Limited');
    if (spec.exempt !== undefined) checkShares(errors, spec.exempt, 'spec.exempt');
  } else if (type === 'Limited') {
    if (spec.exempt !== undefined) errors.forbidden('spec.exempt', 'must be nil if the type is Limited');
    if (limited === undefined) errors.required('spec.limited', 'must not be empty when type is Limited');
    else checkLimited(errors, limited, 'spec.limited');
  } else errors.notSupported('spec.type', type, ['Exempt', 'Limited']);
}

/** What of the exempt level's spec is fixed: its shares are the administrator's. */
const withoutExempt = (spec: object): object => ({ ...spec, exempt: undefined });

function checkMandatory(errors: ErrorList, name: string, spec: object): void {
  const fixed = mandatorySpec('PriorityLevelConfiguration', name) as object | undefined;
  if (fixed === undefined) return;
  if (name !== exempt) {
    if (!semanticEqual(spec, fixed)) errors.invalid('spec', spec, `spec of '${name}' must equal the fixed value`);
  } else if (!semanticEqual(withoutExempt(spec), withoutExempt(fixed))) {
    errors.invalid('spec', spec, `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`);
  }
}

/** Create and update. Of the built-in levels, only the shares of `exempt` can be changed. */
export function validatePriorityLevel(object: PriorityLevelConfiguration): FieldError[] {
  const errors = new ErrorList();
  const { name = '' } = object.metadata;
  checkSpec(errors, name, object.spec ?? {});
  checkMandatory(errors, name, object.spec ?? {});
  checkFlowConditions(errors, object.status?.conditions);
  return errors.errors;
}

export function validatePriorityLevelStatus(object: PriorityLevelConfiguration): FieldError[] {
  const errors = new ErrorList();
  checkFlowConditions(errors, object.status?.conditions);
  return errors.errors;
}
