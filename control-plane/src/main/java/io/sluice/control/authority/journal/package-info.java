/**
 * The append-only record of every certificate that was handed out.
 *
 * <p>Owns its files alone. Start reading at {@link
 * io.sluice.control.authority.journal.IssueJournal}.
 */
@NullMarked
package io.sluice.control.authority.journal;

import org.jspecify.annotations.NullMarked;
