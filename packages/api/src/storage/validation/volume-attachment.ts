/** VolumeAttachments (`pkg/apis/storage/validation/validation.go`, `ValidateVolumeAttachment`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { byteLength } from '@kubets/apimachinery/names';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { nameIsSubdomain } from '../../core/validation/pod-names.ts';
import { checkCSIDriverName } from '../../core/validation/volume-sources.ts';
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from '../../generated/types/storage-v1.ts';

const maxMetadataBytes = 256 * 1024;
const maxMessageBytes = 1024;
const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';

function checkSource(errors: ErrorList, source: VolumeAttachmentSource): void {
  const path = 'spec.source';
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source;
  if (!inline && name === undefined) errors.required(path, exactlyOne);
  else if (inline && name !== undefined) errors.forbidden(path, exactlyOne);
  else if (name === '') {
    errors.required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName');
  } else if (name !== undefined) {
    errors.eachInvalid(`${path}.persistentVolumeName`, name, nameIsSubdomain(name, false));
  }
}

function checkError(errors: ErrorList, error: VolumeError | undefined, path: string): void {
  const message = error?.message ?? '';
  if (byteLength(message) > maxMessageBytes) errors.tooLong(`${path}.message`, maxMessageBytes);
}

function checkStatus(errors: ErrorList, { status }: VolumeAttachment): void {
  const path = 'status.attachmentMetadata';
  let bytes = 0;
  for (const [key, value] of Object.entries(status?.attachmentMetadata ?? {})) {
    if (key === '') errors.invalid(path, key, 'field can not be empty.');
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > maxMetadataBytes) errors.tooLong(path, maxMetadataBytes);
  checkError(errors, status?.attachError, 'status.attachError');
  checkError(errors, status?.detachError, 'status.detachError');
}

export function validateVolumeAttachment(attachment: VolumeAttachment): FieldError[] {
  const errors = new ErrorList();
  const { spec } = attachment;
  const nodeName = spec?.nodeName ?? '';
  checkCSIDriverName(errors, spec?.attacher ?? '', 'spec.attacher');
  checkSource(errors, spec?.source ?? {});
  errors.eachInvalid('spec.nodeName', nodeName, nameIsSubdomain(nodeName, false));
  checkStatus(errors, attachment);
  return errors.errors;
}

/** The spec is for good. */
export function validateVolumeAttachmentUpdate(
  attachment: VolumeAttachment,
  old: Readonly<VolumeAttachment>,
): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateVolumeAttachment(attachment));
  if (!semanticEqual(attachment.spec, old.spec)) errors.invalid('spec', attachment.spec, 'field is immutable');
  return errors.errors;
}
