/**
 * The mesh's roots in a ConfigMap of the controller's namespace, by which nodes believe the
 * controller at first.
 *
 * <p>Writes that one object and nothing else, and only while this controller is the one of its
 * cluster that writes. Start reading at {@link io.sluice.control.roots.RootsPublisher}.
 */
@NullMarked
package io.sluice.control.roots;

import org.jspecify.annotations.NullMarked;
