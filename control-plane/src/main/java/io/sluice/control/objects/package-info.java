/**
 * The Kubernetes objects that the mesh reads, as records of just the fields that it needs, and the
 * reader that makes them from manifests.
 *
 * <p>Decides nothing: what the objects mean together is the compiler's business. Start reading at
 * {@link io.sluice.control.objects.ObjectReader}.
 */
@NullMarked
package io.sluice.control.objects;

import org.jspecify.annotations.NullMarked;
