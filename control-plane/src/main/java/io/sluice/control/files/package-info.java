/**
 * Small files that have to survive a power cut.
 *
 * <p>Knows nothing of what is in them. Start reading at {@link
 * io.sluice.control.files.DurableFiles}.
 */
@NullMarked
package io.sluice.control.files;

import org.jspecify.annotations.NullMarked;
