package io.sluice.mesh;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Matches of HTTP requests as messages and back. They keep their order. */
final class HttpMatchCodec {
  private HttpMatchCodec() {}

  static List<io.sluice.api.resources.v1.HttpMatch> messages(List<HttpMatch> matches) {
    return matches.stream().map(HttpMatchCodec::message).toList();
  }

  private static io.sluice.api.resources.v1.HttpMatch message(HttpMatch match) {
    var message =
        io.sluice.api.resources.v1.HttpMatch.newBuilder()
            .setName(match.name())
            .setPath(match.path().text())
            .addAllMethods(match.methods().stream().sorted().toList());
    match.headers().forEach((name, value) -> message.putHeaders(name, value.text()));
    match.parameters().forEach((name, value) -> message.putParameters(name, value.text()));
    return message.build();
  }

  static List<HttpMatch> models(
      String field, List<io.sluice.api.resources.v1.HttpMatch> messages, Checks checks) {
    checks.atMost(field, messages.size(), WireLimits.HTTP_MATCHES);
    List<HttpMatch> matches = new ArrayList<>(messages.size());
    for (var message : messages) {
      Map<String, Regex> headers = expressions(field + ".headers", message.getHeadersMap(), checks);
      Map<String, Regex> parameters =
          expressions(field + ".parameters", message.getParametersMap(), checks);
      String name =
          checks.text(field + ".name", message.getName(), WireLimits.HTTP_NAME_CHARACTERS);
      Regex path = checks.value(field + ".path", () -> Regex.of(message.getPath()));
      Set<String> methods =
          checks.set(
              field + ".methods",
              message.getMethodsList(),
              WireLimits.HTTP_METHODS,
              method -> checks.text(field + ".methods", method, WireLimits.HTTP_NAME_CHARACTERS));
      matches.add(
          checks.value(
              field + ".headers", () -> new HttpMatch(name, path, methods, headers, parameters)));
    }
    return matches;
  }

  private static Map<String, Regex> expressions(
      String field, Map<String, String> texts, Checks checks) {
    checks.atMost(field, texts.size(), WireLimits.HTTP_HEADERS);
    Map<String, Regex> expressions = new HashMap<>();
    texts.forEach((name, text) ->
        expressions.put(
            checks.text(field, name, WireLimits.HTTP_NAME_CHARACTERS),
            checks.value(field, () -> Regex.of(text))));
    return expressions;
  }
}
