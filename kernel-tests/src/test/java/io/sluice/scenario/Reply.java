package io.sluice.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.HttpMethod;

/**
 * The answer to an {@link Ask}.
 *
 * @param id of the request, as the server had it
 * @param told what the server understood
 * @param trailer empty without
 */
record Reply(int status, String id, String told, long bytes, long checksum, String trailer) {
  /** It is the answer to that and to nothing else, octet for octet. */
  void answers(Ask ask) {
    long bytes = ask.method().equals(HttpMethod.HEAD) ? 0 : ask.answerBytes();
    assertThat(this)
        .as("%s", ask)
        .isEqualTo(
            new Reply(
                200,
                ask.id(),
                ask.told(),
                bytes,
                Ask.checksum(ask.id(), bytes),
                ask.answerFraming() == Ask.Framing.TRAILERS && bytes > 0 ? ask.id() : ""));
  }
}
