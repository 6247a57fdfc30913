package io.sluice.fuzz;

import static io.sluice.fuzz.Promises.require;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.cni.protocol.CniConfig;
import io.sluice.cni.protocol.CniError;
import io.sluice.cni.protocol.CniFrame;
import io.sluice.cni.protocol.CniRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;

/**
 * What the client of the CNI plugin sends: it is refused with an error of CNI, or is a request
 * whose names can be those of files, and whose previous result is what another reader of JSON finds
 * there, byte for byte. The input is a header line and a body, as they come over the socket.
 */
public final class CniRequestTarget {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Set<Integer> CODES =
      Set.of(
          CniError.INVALID_ENVIRONMENT,
          CniError.UNDECODABLE,
          CniError.INVALID_CONFIG,
          CniError.TRY_AGAIN);

  private CniRequestTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) throws IOException {
    int end = 0;
    while (end < input.length && input[end] != '\n') {
      end++;
    }
    byte[] body = Arrays.copyOfRange(input, Math.min(end + 1, input.length), input.length);
    try {
      int announced = CniFrame.bodyBytes(new String(input, 0, end, StandardCharsets.US_ASCII));
      require(announced >= 0 && announced <= CniFrame.MAX_BODY_BYTES, "too much: " + announced);
    } catch (CniError e) {
      requireError(e); // the body is tried all the same
    }
    CniRequest request;
    try {
      request = CniRequest.parse(body);
    } catch (CniError e) {
      requireError(e);
      return;
    }
    require(
        !request.containerId().contains("/") && !request.containerId().startsWith("."),
        "a container ID that leads elsewhere: " + request.containerId());
    require(!request.ifname().contains("/"), "an interface that is a path: " + request.ifname());
    requirePrevious(request.config(), body);
  }

  private static void requirePrevious(CniConfig config, byte[] body) throws IOException {
    if (config.previous().isEmpty()) {
      return;
    }
    JsonNode previous = JSON.readTree(config.previous().get().document());
    require(previous.isObject(), "the previous result is no object: " + previous);
    byte[] standardInput = Arrays.copyOfRange(body, endOfEnvironment(body), body.length);
    JsonNode whole = JSON.readTree(standardInput);
    require(
        previous.equals(whole.path("prevResult")),
        "the previous result is " + whole.path("prevResult") + ", not " + previous);
  }

  /** Behind the empty variable. */
  private static int endOfEnvironment(byte[] body) {
    int at = 0;
    while (body[at] != 0) {
      while (body[at] != 0) {
        at++;
      }
      at++;
    }
    return at + 1;
  }

  private static void requireError(CniError error) throws IOException {
    require(CODES.contains(error.code()), "not one of CNI's codes: " + error.code());
    JsonNode document = JSON.readTree(error.document(CniConfig.LATEST_VERSION));
    require(document.path("code").asInt() == error.code(), "another code: " + document);
    require(!document.path("msg").asText().isBlank(), "refused without a word");
  }
}
