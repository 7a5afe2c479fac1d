/** What a person reads whose browser gave no signature: nothing of theirs is wrong, and mostly they changed their mind. Pure. */
export function ceremonyWords(error: unknown): string {
  switch (nameOf(error)) {
    case 'NotAllowedError':
    case 'AbortError':
      return 'Your browser gave no passkey: it was cancelled, took too long, or there is none for this console.';
    case 'InvalidStateError':
      return 'This device has a passkey of yours already.';
    case 'SecurityError':
      return 'Your browser takes no passkeys at this address.';
    case 'NotSupportedError':
    case 'ConstraintError':
      return 'This device cannot make a passkey that verifies who uses it.';
    default:
      return error instanceof Error && error.message !== '' ? error.message : 'Your browser gave no passkey.';
  }
}

/** Which of WebAuthn's errors it is (§5.1.3, §5.1.4); the library keeps it as the name, or in the cause. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return error.name === 'WebAuthnError' && error.cause instanceof Error ? error.cause.name : error.name;
}
