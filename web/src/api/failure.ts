/** `Failure`: why the service did not answer, in words for people. */

export type Kind = "unreachable" | "token" | "busy" | "refused" | "broken";

export class Failure extends Error {
  override name = "Failure";

  constructor(
    readonly kind: Kind,
    message: string,
    /** HTTP status; 0 where there was no answer. */
    readonly status = 0,
  ) {
    super(message);
  }
}

/** The failure that an answer tells of. */
export async function failureOf(response: Response): Promise<Failure> {
  const said = await description(response);
  const { status } = response;
  if (status === 401) return new Failure("token", said || "This service asks for a token.", status);
  if (status === 429 || status === 503) {
    return new Failure("busy", said || "The service is busy. Try again in a moment.", status);
  }
  if (status >= 500) return new Failure("broken", said || "The service failed to answer.", status);
  return new Failure("refused", said || `The service refused the request (${status}).`, status);
}

async function description(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as Record<string, unknown>;
    const said = body["description"] ?? body["detail"];
    return typeof said === "string" ? said.charAt(0).toUpperCase() + said.slice(1) : "";
  } catch {
    return "";
  }
}
