/**
 * Requests to a Kubernetes API server, with one word for each way to fail.
 *
 * <p>Owns the client library; knows no kind of object. Start reading at {@link
 * io.sluice.control.kubernetes.KubernetesApi}.
 */
@NullMarked
package io.sluice.control.kubernetes;

import org.jspecify.annotations.NullMarked;
