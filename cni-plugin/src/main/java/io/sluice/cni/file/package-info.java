/**
 * Files on the node that another program reads at any moment, also right after a power cut.
 *
 * <p>Knows nothing of what is in them. Start reading at {@code DurableFile}.
 */
@NullMarked
package io.sluice.cni.file;

import org.jspecify.annotations.NullMarked;
