/**
 * What policy says of a connection, when it comes and with every later snapshot.
 *
 * <p>Asks {@link io.sluice.mesh.decision.Decisions} and keeps what was found out for the record;
 * moves no byte. Start reading at {@link io.sluice.proxy.decide.Subject}.
 */
@NullMarked
package io.sluice.proxy.decide;

import org.jspecify.annotations.NullMarked;
