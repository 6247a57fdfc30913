/**
 * Requests and their answers: what is parsed, decided one by one, and led on.
 *
 * <p>A codec for each version turns the bytes of one {@link io.sluice.proxy.relay.ByteChannel} into
 * {@link io.sluice.proxy.http.HttpStream}s, one for each exchange; who joins two of them knows no
 * version. Start reading at {@link io.sluice.proxy.http.HttpStream}.
 */
@NullMarked
package io.sluice.proxy.http;

import org.jspecify.annotations.NullMarked;
