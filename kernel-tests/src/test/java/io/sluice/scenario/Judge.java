package io.sluice.scenario;

import io.grpc.stub.StreamObserver;
import io.sluice.api.envoy.auth.AuthorizationGrpc.AuthorizationImplBase;
import io.sluice.api.envoy.auth.CheckRequest;
import io.sluice.api.envoy.auth.CheckResponse;
import io.sluice.api.envoy.auth.DeniedHttpResponse;
import io.sluice.api.envoy.auth.HeaderValue;
import io.sluice.api.envoy.auth.HeaderValueOption;
import io.sluice.api.envoy.auth.HttpStatus;
import io.sluice.api.envoy.auth.OkHttpResponse;
import io.sluice.api.envoy.rpc.Status;
import io.sluice.lab.site.SitePod;

/**
 * An authoriser of requests in a pod, by gRPC's own library: it denies what has a path with {@link
 * #DENIED} in it, and tells the application of others that their user is ada, who has no secret.
 */
final class Judge extends AuthorizationImplBase implements AutoCloseable {
  static final int PORT = 9191;
  static final String DENIED = "/denied";

  private static final int PERMISSION_DENIED = 7;

  private final GrpcInPod server;

  /** Of that pod; away until it is started. */
  Judge(SitePod pod) {
    server = new GrpcInPod(pod, PORT, this);
  }

  void start() {
    server.start();
  }

  void stop() {
    server.stop();
  }

  @Override
  public void check(CheckRequest asked, StreamObserver<CheckResponse> answer) {
    boolean denied = asked.getAttributes().getRequest().getHttp().getPath().contains(DENIED);
    answer.onNext(
        denied
            ? CheckResponse.newBuilder()
                .setStatus(Status.newBuilder().setCode(PERMISSION_DENIED))
                .setDeniedResponse(
                    DeniedHttpResponse.newBuilder()
                        .setStatus(HttpStatus.newBuilder().setCode(403))
                        .setBody("not you"))
                .build()
            : CheckResponse.newBuilder()
                .setStatus(Status.getDefaultInstance())
                .setOkResponse(
                    OkHttpResponse.newBuilder()
                        .addHeaders(
                            HeaderValueOption.newBuilder()
                                .setHeader(
                                    HeaderValue.newBuilder().setKey("x-user").setValue("ada")))
                        .addHeadersToRemove("x-secret"))
                .build());
    answer.onCompleted();
  }

  @Override
  public void close() {
    server.close();
  }
}
