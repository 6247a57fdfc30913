package io.sluice.control.objects;

import java.util.List;

/**
 * An AccessCert of osm-edge ({@code policy.openservicemesh.io/v1alpha1}): a certificate by which a
 * client outside the mesh proves itself.
 *
 * @param meta name and origin
 * @param names {@code spec.subjectAltNames} as written
 * @param secretName {@code spec.secret.name}
 * @param secretNamespace {@code spec.secret.namespace}; empty where it is not said
 */
public record AccessCert(
    ObjectMeta meta, List<String> names, String secretName, String secretNamespace)
    implements KubernetesObject {
  public AccessCert {
    names = List.copyOf(names);
  }
}
