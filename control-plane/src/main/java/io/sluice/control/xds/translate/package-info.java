/**
 * The mesh in Envoy's resource types: a pure function of snapshot, roots and who asks. Equal input
 * gives equal bytes, so that versions can be hashes of the content.
 *
 * <p>Knows nothing of streams. Start reading at {@link
 * io.sluice.control.xds.translate.Translation}; docs/xds.md says what is told to whom.
 */
@NullMarked
package io.sluice.control.xds.translate;

import org.jspecify.annotations.NullMarked;
