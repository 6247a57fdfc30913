/**
 * {@code sluice offline}: until when a node lives without its controller.
 *
 * <p>Start reading at {@link io.sluice.cli.offline.OfflineCommand}.
 */
@NullMarked
package io.sluice.cli.offline;

import org.jspecify.annotations.NullMarked;
