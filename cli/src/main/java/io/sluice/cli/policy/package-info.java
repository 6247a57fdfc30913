/**
 * {@code sluice policy}: what another policy would do to the traffic that was seen.
 *
 * <p>Start reading at {@link io.sluice.cli.policy.Replay}.
 */
@NullMarked
package io.sluice.cli.policy;

import org.jspecify.annotations.NullMarked;
