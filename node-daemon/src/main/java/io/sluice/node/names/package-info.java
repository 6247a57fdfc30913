/**
 * Finds the addresses of hosts outside the mesh that Egresses name, so that a name which a pod
 * writes into a request opens no address that it likes. Begin with {@link
 * io.sluice.node.names.NameFinder}.
 */
@NullMarked
package io.sluice.node.names;

import org.jspecify.annotations.NullMarked;
