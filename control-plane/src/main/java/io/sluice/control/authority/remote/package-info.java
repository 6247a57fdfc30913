/**
 * What authorities have in common whose key is on another machine: patience, roots that are
 * distributed before they are used, and distrust of what comes back.
 *
 * <p>Knows no protocol. Start reading at {@link io.sluice.control.authority.remote.RemoteIssuing}.
 */
@NullMarked
package io.sluice.control.authority.remote;

import org.jspecify.annotations.NullMarked;
