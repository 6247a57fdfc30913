package io.sluice.proxy;

import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The one record that every accepted connection leaves, refused ones included.
 *
 * @param info who and where
 * @param verdict outcome, reason and rule that admitted or refused it
 * @param bytesSent payload bytes that the client sent and the upstream's socket took
 * @param bytesReceived payload bytes that the upstream sent and the client's socket took
 * @param duration from accept to the end
 * @param closeKind how it ended
 * @param closeReason why, where {@code closeKind} is not {@link CloseKind#FIN} or a reset by an
 *     end; else the reason of the verdict
 * @param askedOrNull the request for which it was refused as a whole; null where it was none
 */
public record AccessRecord(
    ConnectionInfo info,
    Verdict verdict,
    long bytesSent,
    long bytesReceived,
    Duration duration,
    CloseKind closeKind,
    Reason closeReason,
    @Nullable RequestRecord askedOrNull) {}
