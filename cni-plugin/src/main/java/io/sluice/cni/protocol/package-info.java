/**
 * What the CNI client and the daemon say to each other: frames on a unix socket, and the documents
 * of the CNI specification inside them. Pure: no input or output, no threads.
 */
@NullMarked
package io.sluice.cni.protocol;

import org.jspecify.annotations.NullMarked;
