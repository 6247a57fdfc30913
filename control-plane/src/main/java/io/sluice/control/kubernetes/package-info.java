/**
 * Requests to a Kubernetes API server, with one word for each way to fail; and the registry that
 * follows a cluster's objects.
 *
 * <p>Owns the client library; what objects mean is the readers' and the compiler's business. Start
 * reading at {@link io.sluice.control.kubernetes.KubernetesApi} and {@link
 * io.sluice.control.kubernetes.KubernetesRegistry}.
 */
@NullMarked
package io.sluice.control.kubernetes;

import org.jspecify.annotations.NullMarked;
