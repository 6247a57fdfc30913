package io.sluice.node.events;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.net.InetSocketAddress;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One verdict worth telling.
 *
 * @param sequence grows by one with every event of this process
 * @param time when
 * @param origin {@code kernel}, {@code proxy}, or {@code enrolment} for a connection older than
 *     that
 * @param pod whose traffic it was, {@code netns:<cookie>} when that pod is not known any more
 * @param direction of the flow
 * @param protocol {@code tcp}, {@code udp}, or the IANA number; {@code http} of one request
 * @param source client address; null when the hook runs before one is chosen
 * @param destination original destination; null when unknown
 * @param outcome what became of the flow
 * @param reason why
 * @param rule object that decided; null when none did
 */
public record NodeEvent(
    long sequence,
    Instant time,
    String origin,
    String pod,
    Direction direction,
    String protocol,
    @Nullable InetSocketAddress source,
    @Nullable InetSocketAddress destination,
    Outcome outcome,
    Reason reason,
    @Nullable NamespacedName rule) {}
