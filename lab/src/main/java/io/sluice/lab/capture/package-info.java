/**
 * What is on a wire, as a witness sees it: every frame of a network namespace, the TCP streams in
 * them, and whether those are TLS. Only listens; decides nothing about the mesh.
 *
 * <p>Start reading at {@link io.sluice.lab.capture.FrameCapture}.
 */
@NullMarked
package io.sluice.lab.capture;

import org.jspecify.annotations.NullMarked;
