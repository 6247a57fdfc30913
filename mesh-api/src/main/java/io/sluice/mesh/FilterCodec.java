package io.sluice.mesh;

import io.sluice.api.resources.v1.FieldChange;
import io.sluice.api.resources.v1.Filters;
import io.sluice.api.resources.v1.Mirror;
import io.sluice.api.resources.v1.PathChange;
import io.sluice.api.resources.v1.Redirect;
import io.sluice.api.resources.v1.Target;
import java.util.List;

/** What routes change of requests and answers, as messages and back. */
final class FilterCodec {
  private FilterCodec() {}

  static Filters message(HttpFilters filters) {
    Filters.Builder message = Filters.newBuilder();
    filters.request().forEach(change -> message.addRequest(message(change)));
    filters.response().forEach(change -> message.addResponse(message(change)));
    HttpFilters.Target rewrite = filters.rewriteOrNull();
    if (rewrite != null) {
      message.setRewrite(message(rewrite));
    }
    filters
        .mirrors()
        .forEach(mirror ->
            message.addMirrors(
                Mirror.newBuilder()
                    .setService(mirror.service().toString())
                    .setPort(mirror.port())
                    .setParts(mirror.parts())
                    .setWhole(mirror.whole())));
    return message.build();
  }

  static Redirect message(HttpFilters.Redirect redirect) {
    return Redirect.newBuilder()
        .setTarget(message(redirect.target()))
        .setStatus(redirect.status())
        .build();
  }

  static FieldChange message(HttpFilters.FieldChange change) {
    return FieldChange.newBuilder()
        .setAction(
            switch (change.action()) {
              case SET -> FieldChange.Action.SET;
              case ADD -> FieldChange.Action.ADD;
              case REMOVE -> FieldChange.Action.REMOVE;
            })
        .setName(change.name())
        .setValue(change.value())
        .build();
  }

  private static Target message(HttpFilters.Target target) {
    Target.Builder message =
        Target.newBuilder()
            .setScheme(target.scheme())
            .setHost(target.host())
            .setPort(target.port());
    HttpFilters.PathChange path = target.pathOrNull();
    if (path != null) {
      PathChange.Builder told = PathChange.newBuilder().setReplacement(path.replacement());
      String prefix = path.prefixOrNull();
      if (prefix != null) {
        told.setPrefix(prefix);
      }
      message.setPath(told);
    }
    return message.build();
  }

  static HttpFilters model(Filters message, Checks checks) {
    return new HttpFilters(
        changes("filters.request", message.getRequestList(), checks),
        changes("filters.response", message.getResponseList(), checks),
        message.hasRewrite() ? target("filters.rewrite", message.getRewrite(), checks) : null,
        checks.list(
            "filters.mirrors",
            message.getMirrorsList(),
            WireLimits.MIRRORS,
            mirror ->
                new HttpFilters.Mirror(
                    NamespacedName.parse(mirror.getService()),
                    checks.port("filters.mirrors.port", mirror.getPort()),
                    mirror.getParts(),
                    mirror.getWhole())));
  }

  static HttpFilters.Redirect model(Redirect message, Checks checks) {
    HttpFilters.Target target = target("redirect", message.getTarget(), checks);
    return checks.value(
        "redirect.status", () -> new HttpFilters.Redirect(target, message.getStatus()));
  }

  static List<HttpFilters.FieldChange> changes(
      String field, List<FieldChange> messages, Checks checks) {
    return checks.list(
        field,
        messages,
        WireLimits.FIELD_CHANGES,
        message ->
            new HttpFilters.FieldChange(
                action(message),
                checks.text(field, message.getName(), WireLimits.HTTP_NAME_CHARACTERS),
                checks.text(field, message.getValue(), WireLimits.PATH_CHARACTERS)));
  }

  private static HttpFilters.Action action(FieldChange message) {
    return switch (message.getAction()) {
      case SET -> HttpFilters.Action.SET;
      case ADD -> HttpFilters.Action.ADD;
      case REMOVE -> HttpFilters.Action.REMOVE;
      case ACTION_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("an action is unknown");
    };
  }

  private static HttpFilters.Target target(String field, Target message, Checks checks) {
    int port = RouteCodec.port(field + ".port", message.getPort(), checks);
    return checks.value(
        field,
        () ->
            new HttpFilters.Target(
                message.getScheme(),
                checks.text(field, message.getHost(), WireLimits.HTTP_NAME_CHARACTERS),
                port,
                message.hasPath() ? path(field, message.getPath(), checks) : null));
  }

  private static HttpFilters.PathChange path(String field, PathChange message, Checks checks) {
    return new HttpFilters.PathChange(
        message.hasPrefix()
            ? checks.text(field, message.getPrefix(), WireLimits.PATH_CHARACTERS)
            : null,
        checks.text(field, message.getReplacement(), WireLimits.PATH_CHARACTERS));
  }
}
