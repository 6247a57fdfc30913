package io.sluice.proxy;

import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The one record that a connection leaves that has carried bytes, not requests, or was refused.
 *
 * @param info who and where
 * @param verdict outcome, reason and rule that admitted or refused it
 * @param bytesSent payload bytes that came from the client, passed on or not
 * @param bytesReceived payload bytes that came from the upstream, passed on or not
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
