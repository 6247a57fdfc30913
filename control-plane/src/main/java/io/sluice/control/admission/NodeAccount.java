package io.sluice.control.admission;

import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.mesh.NamespacedName;

/**
 * By which service account nodes prove themselves, and which cluster is asked about it.
 *
 * @param account of the nodes' daemon
 * @param cluster where tokens are reviewed
 */
public record NodeAccount(NamespacedName account, KubernetesAccess cluster) {}
