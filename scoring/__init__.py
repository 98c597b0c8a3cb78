"""The pure decision core: features, checks, model, policy, explanation, decision, receipt."""
