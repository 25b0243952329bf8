/** Strategies of the RBAC kinds (`pkg/registry/rbac/<resource>/strategy.go`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { rbacGroup, type BindingObject, type RoleObject } from '../../authorization/rbac/types.ts';
import { baseStrategy } from '../generic/base-strategy.ts';
import { validatePathSegmentName } from '@kubets/apimachinery/names';
import type { Strategy } from '../strategy.ts';
import { validateBinding, validateBindingUpdate, validateRole } from './validation.ts';

function roleStrategy(namespaced: boolean): Strategy {
  const validate = (_: unknown, obj: ApiObject) => validateRole(obj as RoleObject, namespaced);
  return baseStrategy({
    validate,
    validateUpdate: validate,
    validateName: validatePathSegmentName,
    allowCreateOnUpdate: true,
  });
}

function bindingStrategy(namespaced: boolean): Strategy {
  return baseStrategy({
    validate: (_, obj) => validateBinding(obj as BindingObject, namespaced),
    validateUpdate: (_, obj, old) => validateBindingUpdate(obj as BindingObject, old as BindingObject, namespaced),
    validateName: validatePathSegmentName,
    allowCreateOnUpdate: true,
  });
}

/** By `group/resource`. PUT to a missing name creates, as upstream allows for these kinds. */
export const rbacStrategies: Readonly<Record<string, Strategy>> = {
  [`${rbacGroup}/roles`]: roleStrategy(true),
  [`${rbacGroup}/clusterroles`]: roleStrategy(false),
  [`${rbacGroup}/rolebindings`]: bindingStrategy(true),
  [`${rbacGroup}/clusterrolebindings`]: bindingStrategy(false),
};
